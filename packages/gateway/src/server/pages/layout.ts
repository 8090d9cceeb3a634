import { createHash } from 'node:crypto';
import { type Html, html, verbatim } from './html.ts';

const style = `
:root{color-scheme:light dark;--ground:#f5f6f8;--sheet:#fff;--ink:#1b1f27;--quiet:#545c6b;--line:#d5d9e0;--act:#1f4fd1;--on-act:#fff;--bad:#a5231b}
@media (prefers-color-scheme:dark){:root{--ground:#14161b;--sheet:#1d2027;--ink:#eceef2;--quiet:#a5adbb;--line:#3a404b;--act:#8fb0ff;--on-act:#10131a;--bad:#ff9a90}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main{width:100%;max-width:26rem;background:var(--sheet);border:1px solid var(--line);border-radius:.75rem;padding:2rem}
h1{font-size:1.375rem;line-height:1.25;margin:0 0 .75rem}
p{margin:0 0 1rem}
a{color:var(--act)}
label{display:block;font-weight:600;margin:0 0 .25rem}
input{width:100%;font:inherit;color:inherit;background:transparent;border:1px solid var(--quiet);border-radius:.5rem;padding:.625rem .75rem;margin:0 0 1rem}
button{font:inherit;font-weight:600;color:var(--on-act);background:var(--act);border:0;border-radius:.5rem;padding:.625rem 1.25rem;cursor:pointer}
:focus-visible{outline:3px solid var(--act);outline-offset:2px}
.problem{color:var(--bad);font-weight:600}
.quiet{color:var(--quiet);font-size:.875rem}
main>:last-child{margin-bottom:0}
code{font-size:.875em;overflow-wrap:anywhere}
`;

/** Nothing but our one style sheet and forms to ourselves: no script, no frame, no image, no other site. */
const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

/** Fields that every page of ours is sent with. */
export const pageFields: readonly string[] = [
  'Content-Type',
  'text/html; charset=utf-8',
  'Content-Security-Policy',
  contentSecurityPolicy,
  'Cache-Control',
  'no-store',
  'X-Content-Type-Options',
  'nosniff',
  'Referrer-Policy',
  'same-origin',
  'X-Frame-Options',
  'DENY',
];

/** The one frame of all our pages: light and dark, from 320 px up, works without script. */
export function page(title: string, contents: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${verbatim(style)}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${contents}
</main>
</body>
</html>
`.text;
}
