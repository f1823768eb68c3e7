// Groups of a provider or directory to teams of this registry, by rules that an administrator wrote. A
// rule names teams that exist; it never makes one. Knows nothing of where the groups came from.
import { isRepositoryName } from '../../oci/repository-name.ts';
import { matchesGlob } from '../glob.ts';

export interface TeamRule {
  /** A group's exact name, or a pattern: `*` any run of characters, `?` one. */
  readonly group: string;
  /** `organisation/team`. A `*` in it stands for what the one star of `group` matched. */
  readonly team: string;
}

/** More groups than that are no person's: what is left is not looked at. */
const GROUPS_READ = 2_000;
const TEAM_OF_RULE = /^[a-z0-9._*-]+\/[a-z0-9._*-]+$/;

/** @returns what is wrong with a rule, as a sentence; undefined when it is sound. */
export function teamRuleProblem({ group, team }: TeamRule): string | undefined {
  if (group === '') return 'A group must have a name.';
  if (!TEAM_OF_RULE.test(team)) {
    return `"${team}" is not a team: write organisation/team, in lower case.`;
  }
  if (!team.includes('*')) return isTeam(team) ? undefined : `"${team}" is not a team's name.`;
  if (team.split('*').length > 2 || group.split('*').length !== 2 || group.includes('?')) {
    return `With a * in the team "${team}", the group must hold one *, and no ?: it stands for the same text.`;
  }
  return undefined;
}

/** Teams as `organisation/team`, each once, in byte order. */
export function teamsOfGroups(
  groups: readonly string[],
  rules: readonly TeamRule[],
  { ignoreCase }: { readonly ignoreCase: boolean },
): string[] {
  const teams = new Set<string>();
  for (const given of groups.slice(0, GROUPS_READ)) {
    const group = ignoreCase ? given.toLowerCase() : given;
    for (const rule of rules) {
      const pattern = ignoreCase ? rule.group.toLowerCase() : rule.group;
      const team = teamOf({ ...rule, group: pattern }, group);
      if (team !== undefined) teams.add(team);
    }
  }
  return [...teams].sort();
}

function teamOf(rule: TeamRule, group: string): string | undefined {
  if (!matchesGlob(rule.group, group, { isPath: false })) return undefined;
  if (!rule.team.includes('*')) return rule.team;
  const star = rule.group.indexOf('*');
  const matched = group.slice(star, group.length - (rule.group.length - star - 1)).toLowerCase();
  const team = rule.team.replace('*', () => matched);
  // A group may be called anything: what it puts in must not reach another organisation.
  return matched.includes('/') || !isTeam(team) ? undefined : team;
}

/** Two names of the form that parts of a repository's name have. */
function isTeam(text: string): boolean {
  return isRepositoryName(text) && text.split('/').length === 2;
}
