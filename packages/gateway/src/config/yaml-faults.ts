import type { ErrorCode } from 'yaml';

interface Fault {
  readonly message: string;
  readonly fix: string;
}

const quote = 'Put values with : # { } [ ] , & * or quotes in them into quotation marks: "…".';
const indent = 'Indent with spaces, and the keys of one mapping equally far.';

/** What the parser's codes mean to somebody who writes a configuration. */
const faults: { readonly [C in ErrorCode]?: Fault } = {
  DUPLICATE_KEY: { message: 'this key is already in the mapping', fix: 'Keep one of them.' },
  TAB_AS_INDENT: { message: 'the line is indented with a tab', fix: 'Use spaces: YAML allows no tabs there.' },
  BAD_INDENT: { message: 'the indentation does not fit', fix: indent },
  BAD_ALIAS: { message: 'a * begins an alias in YAML', fix: 'Put it into quotation marks: "*".' },
  BAD_SCALAR_START: { message: 'the value begins with a character that means something in YAML', fix: quote },
  BAD_DQ_ESCAPE: {
    message: 'the backslash in "…" begins an escape that does not exist',
    fix: "Write two backslashes, or use '…'.",
  },
  MULTIPLE_DOCS: {
    message: 'a second document begins here',
    fix: 'Remove the line ---: the configuration is one document.',
  },
  TAG_RESOLVE_FAILED: {
    message: 'tags (!name) are not used here',
    fix: 'Remove the tag, or put the value into quotation marks.',
  },
  NON_STRING_KEY: { message: 'the key is not text', fix: 'Put the key into quotation marks.' },
  MISSING_CHAR: { message: 'something is missing: a colon, a comma, a quotation mark or a bracket', fix: quote },
  MULTILINE_IMPLICIT_KEY: {
    message: 'the key goes over several lines',
    fix: 'Is the colon after the key missing, or a quotation mark not closed?',
  },
  BLOCK_AS_IMPLICIT_KEY: { message: 'a mapping begins inside of a value', fix: quote },
  BLOCK_IN_FLOW: {
    message: 'lines of "key: value" stand inside of { } or [ ]',
    fix: 'Separate by commas inside of brackets.',
  },
  RESOURCE_EXHAUSTION: { message: 'the nesting is too deep', fix: 'Write it flatter.' },
};

const otherwise: Fault = { message: 'this is not valid YAML', fix: `${quote} ${indent}` };

export const faultOf = (code: ErrorCode): Fault => faults[code] ?? otherwise;
