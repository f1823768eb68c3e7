// The passwords that everybody tries first, as what they are made of: a common word with a few digits or
// signs around it, with or without digits in place of letters; a run along the keyboard or the alphabet;
// a few characters again and again. That covers far more than a list of the same size.

const WORDS = new Set(
  `password passwort passord parola senha wachtwoord motdepasse contrasena kennwort geheim secret access
  login letmein welcome willkommen bienvenue bonjour hello hallo changeme changeit change default admin
  administrator root toor user guest test testing tester temp temporary demo sample example server system
  manager master super superuser operator support service backup oracle mysql postgres database docker
  registry container kubernetes harbor entrepot jenkins gitlab github linux ubuntu debian windows apple
  google android samsung internet computer company office security private public
  qwerty qwertz azerty qwertyuiop asdfgh asdfghjkl zxcvbn zxcvbnm qazwsx qazwsxedc zaqwsx asdfjkl
  monkey dragon tiger eagle falcon panther cheetah buster shadow hunter ranger killer pirate ninja
  superman batman spiderman ironman pokemon pikachu starwars yankees dallas cowboys lakers steelers
  arsenal liverpool chelsea barcelona juventus football baseball basketball soccer hockey golfer tennis
  iloveyou loveyou lovely lover mylove babygirl princess angel sunshine flower butterfly rainbow chocolate
  cookie cheese banana orange cherry pepper ginger peanut summer winter spring autumn sommer january
  february march april june july august september october november december monday tuesday wednesday
  thursday friday saturday sunday michael michelle jordan charlie daniel jessica ashley thomas andrew
  joshua matthew robert anthony jennifer nicole amanda william george maggie harley mustang corvette
  mercedes ferrari porsche yamaha freedom whatever trustno trustnoone nothing blahblah abcabc abcdef
  hannah samantha victoria alexander jasmine matrix phoenix gandalf snoopy mickey garfield minecraft
  fortnite naruto blink metallica slipknot nirvana zaqxsw passw password1 qweasd qweasdzxc asdasd qweqwe
  pass passpass adminadmin rootroot testtest secretsecret supersecret topsecret mypassword newpassword
  yourpassword nopassword thepassword password12 letmeinnow welcomehome getmein opensesame`.split(
    /\s+/,
  ),
);

/** What one hand types without looking. */
const WHOLE = new Set([
  '1q2w3e4r',
  '1q2w3e4r5t',
  '1qaz2wsx',
  '1qaz2wsx3edc',
  'q1w2e3r4',
  'q1w2e3r4t5',
  'zaq12wsx',
  'zaq1xsw2',
  'a1b2c3d4',
  'abc12345',
  'abcd1234',
  'qwer1234',
  'asdf1234',
  '1234qwer',
  '123qweasd',
  '123abc123',
]);

const RUNS = [
  '0123456789',
  'abcdefghijklmnopqrstuvwxyz',
  'qwertyuiop',
  'asdfghjkl',
  'zxcvbnm',
  'qwertzuiop',
  'azertyuiop',
].flatMap((run) => [run, [...run].reverse().join('')]);

/** Characters around a word that do not make it another password: as many as a date has. */
const MOST_AROUND = 8;
/** Again and again: up to so many characters, such as a whole word. */
const LONGEST_REPEATED = 8;

/** @returns what was recognised; undefined for a password that is not one of these. */
export function commonWordIn(password: string): string | undefined {
  const text = password.toLowerCase();
  if (WHOLE.has(text)) return text;
  const bare = text.replace(/^[^a-z]+/, '').replace(/[^a-z@$]+$/, '');
  const isFewAround = text.length - bare.length <= MOST_AROUND;
  for (const word of [text, ...(isFewAround ? [bare] : [])]) {
    const known = [word, ...readings(word)].find((reading) => WORDS.has(reading));
    if (known !== undefined) return known;
  }
  return repeatedPart(text) ?? RUNS.find((run) => isMadeOf(text, run));
}

/** `p4$$w0rd` as it is meant; a 1 is an i or an l. */
function readings(word: string): string[] {
  const plain = word
    .replaceAll('0', 'o')
    .replaceAll('3', 'e')
    .replace(/[4@]/g, 'a')
    .replace(/[5$]/g, 's')
    .replaceAll('7', 't');
  return [plain.replace(/[1!]/g, 'i'), plain.replace(/[1!]/g, 'l')];
}

/** `aaaaaaaa`, `12121212`, `abc1abc1abc1`. */
function repeatedPart(text: string): string | undefined {
  const longest = Math.min(LONGEST_REPEATED, text.length / 2);
  for (let length = 1; length <= longest; length += 1) {
    const part = text.slice(0, length);
    if (part.repeat(Math.ceil(text.length / length)).startsWith(text)) return part;
  }
  return undefined;
}

/** A piece of the run, which may begin anew once: `45678901`. */
function isMadeOf(text: string, run: string): boolean {
  return text.length <= run.length * 2 && (run + run).includes(text);
}
