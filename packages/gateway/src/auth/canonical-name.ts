/**
 * The one spelling of a user name: compatibility forms, case and surrounding space make no difference
 * (RFC 8265, 3.3 in spirit). Throttling, lookup and subject all use it, so respelling gains nothing (CVE-2026-47203).
 */
export function canonicalName(name: string): string {
  // By way of upper case, which folds what lower case alone keeps apart: the two small sigmas, ß and ss. Lower case
  // before that, because the capital ẞ stays itself in upper case.
  return name.normalize('NFKC').toLowerCase().toUpperCase().toLowerCase().normalize('NFKC').trim();
}
