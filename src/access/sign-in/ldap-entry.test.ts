// How entries are read: numbers of text and of bytes, spellings, and names of groups that could pass for others.
import { expect, test } from 'bun:test';
import { EqualityFilter } from 'ldapts';
import { attributeOf, firstText, groupNames, placeOfSubject, subjectOf } from './ldap-entry.ts';

const DN = 'uid=Alice,ou=People,dc=example,dc=com';
const GUID = Buffer.from('00ff10203040506070809abcdef01234', 'hex');

test.each([
  ['text', { entryUUID: 'f589-aa' }, undefined, 'entryUUID:f589-aa'],
  ['text in bytes', { entryUUID: Buffer.from('f589-aa') }, undefined, 'entryUUID:f589-aa'],
  ['bytes', { objectGUID: GUID }, undefined, `objectGUID:#${GUID.toString('hex')}`],
  ['another spelling', { entryUUID: [], ENTRYUUID: 'f5' }, undefined, 'entryUUID:f5'],
  ['the first of several', { ipaUniqueID: ['a', 'b'] }, undefined, 'ipaUniqueID:a'],
  ['none', { entryUUID: [] }, undefined, `dn:${DN.toLowerCase()}`],
  [
    'the one of the settings',
    { entryUUID: 'x', employeeNumber: '7' },
    'employeeNumber',
    'employeeNumber:7',
  ],
  ['not the one of the settings', { entryUUID: 'x' }, 'employeeNumber', undefined],
])('the number of an entry: %s', (_, attributes, id, subject) => {
  expect(subjectOf({ dn: DN, ...attributes }, id)).toBe(subject as never);
});

test('an entry is found again by its number', () => {
  const filterOf = (subject: string) => {
    const place = placeOfSubject(subject);
    return 'filter' in place ? place.filter : undefined;
  };
  const bytes = filterOf(`objectGUID:#${GUID.toString('hex')}`);
  expect(bytes).toBeInstanceOf(EqualityFilter);
  expect([bytes?.attribute, bytes?.value]).toEqual(['objectGUID', GUID]);
  expect(filterOf('entryUUID:f589-aa')?.value).toBe('f589-aa');
  expect(filterOf('uid:a)(uid=*')?.value).toBe('a)(uid=*');
  expect(placeOfSubject(`dn:${DN}`)).toEqual({ dn: DN });
});

test('texts are one line of a length that can be shown', () => {
  expect(firstText([' Alice\nA. ', 'other'])).toBe('Alice A.');
  expect(firstText([])).toBeUndefined();
  expect(firstText('')).toBeUndefined();
  expect(firstText('a'.repeat(300))).toBeUndefined();
  expect(attributeOf({ dn: DN, MAIL: 'a@b' }, 'mail')).toBe('a@b');
});

test.each([
  ['cn=core,ou=groups,dc=example,dc=com', 'core'],
  ['CN=Core Team,OU=Groups', 'Core Team'],
  ['cn=alone', 'alone'],
])('the group %j has a name of its own', (place, own) => {
  expect(groupNames([place])).toEqual([place, own]);
});

test.each([
  ['cn=web\\,ou=groups\\,dc=example,ou=mine,dc=example,dc=com'],
  ['cn=cn=web,ou=mine'],
  ['cn=a+ou=b,dc=example'],
  ['cn=\\61dmins,ou=mine'],
  ['no place at all'],
  [''],
])('the group %j has none that could pass for another place', (place) => {
  expect(groupNames([place])).toEqual([place]);
});
