import { inkOn, lightenedForDark, sheets } from '../../config/page-colours.ts';

/** Colours of the operator's own, as `#rrggbb`. */
export interface Accent {
  readonly light: string | undefined;
  readonly dark: string | undefined;
}

/**
 * The style sheet of our pages. Nothing moves, so that nothing has to stop for people who asked for less motion; sides are
 * named by the direction of reading; where the browser puts its own colours (forced colours), borders keep their shape.
 */
export function styleSheet(accent: Accent): string {
  const light = accent.light ?? '#1f4fd1';
  const dark = accent.dark ?? (accent.light === undefined ? '#8fb0ff' : lightenedForDark(accent.light));
  return `
:root{color-scheme:light dark;--ground:#f5f6f8;--sheet:${sheets.light};--ink:#1b1f27;--quiet:#545c6b;--line:#d5d9e0;--act:${light};--on-act:${inkOn(light)};--bad:#a5231b}
@media (prefers-color-scheme:dark){:root{--ground:#14161b;--sheet:${sheets.dark};--ink:#eceef2;--quiet:#a5adbb;--line:#3a404b;--act:${dark};--on-act:${inkOn(dark)};--bad:#ff9a90}}
@media (prefers-contrast:more){:root{--quiet:var(--ink);--line:var(--ink)}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main{width:100%;max-width:26rem;min-width:0;background:var(--sheet);border:1px solid var(--line);border-radius:.75rem;padding:clamp(1.25rem,6vw,2rem);overflow-wrap:anywhere}
h1{font-size:1.375rem;line-height:1.25;margin:0 0 .5rem}
p,ul,form,details{margin:0 0 1rem}
ul{padding-inline-start:1.25rem}
li{margin:0 0 .5rem}
a{color:var(--act)}
strong,code,.site,.name{unicode-bidi:isolate}
label{display:block;font-weight:600;margin:0 0 .25rem}
input{width:100%;min-height:2.75rem;font:inherit;color:inherit;background:transparent;border:1px solid var(--quiet);border-radius:.5rem;padding:.5rem .75rem;margin:0 0 1rem}
.button,button{display:block;width:100%;min-height:2.75rem;font:inherit;font-weight:600;text-align:center;text-decoration:none;color:var(--act);background:transparent;border:1px solid var(--act);border-radius:.5rem;padding:.5625rem 1rem;margin:0 0 .75rem;cursor:pointer}
.first{color:var(--on-act);background:var(--act)}
:focus-visible{outline:3px solid var(--act);outline-offset:2px}
summary{cursor:pointer;color:var(--quiet);padding-block:.375rem}
.site{display:flex;align-items:center;gap:.625rem;color:var(--quiet);font-weight:600;margin:0 0 1.25rem}
.site img{height:2rem;max-width:60%;object-fit:contain}
.or{display:flex;align-items:center;gap:.75rem;color:var(--quiet)}
.or::before,.or::after{content:"";flex:1;border-top:1px solid var(--line)}
.problem{color:var(--bad);font-weight:600}
.quiet{color:var(--quiet);font-size:.875rem}
.help{border-top:1px solid var(--line);padding-top:1rem}
main>:last-child,form>:last-child,li:last-child{margin-bottom:0}
code{font-size:.875em}
`;
}
