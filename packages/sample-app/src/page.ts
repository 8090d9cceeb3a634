/** The start page. Its script fills one card per transport, so that all four can be compared at a glance. */
export const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sample app behind Cardea</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/app.css">
<script src="/app.js" defer></script>
</head>
<body>
<main>
<h1>Who does this app see?</h1>
<p>This app has no sign-in of its own. It shows the identity that arrived in the header fields of each request.</p>
<div id="cards">
<section data-from="page"><h2>Page request</h2><dl>PAGE</dl></section>
<section data-from="fetch" aria-live="polite"><h2>fetch()</h2><dl><dt>…</dt></dl></section>
<section data-from="events" aria-live="polite"><h2>Event stream</h2><dl><dt>…</dt></dl></section>
<section data-from="socket" aria-live="polite"><h2>WebSocket</h2><dl><dt>…</dt></dl></section>
</div>
<nav aria-label="Try"><a href="/reports/">Reports (one group only)</a> <a href="/auth/me">/auth/me</a> <a href="/headers">All header fields</a> <a href="/auth/logout">Sign out</a></nav>
</main>
</body>
</html>
`;

/** Light and dark, from a phone's width up. */
export const styleSheet = `:root{color-scheme:light dark;--ground:#f5f6f8;--sheet:#fff;--ink:#1b1f27;--quiet:#545c6b;--line:#d5d9e0;--act:#1f4fd1}
@media (prefers-color-scheme:dark){:root{--ground:#14161b;--sheet:#1d2027;--ink:#eceef2;--quiet:#a5adbb;--line:#3a404b;--act:#8fb0ff}}
*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main{max-width:72rem;margin:0 auto;padding:2rem 1rem}h1{font-size:1.75rem;line-height:1.2;margin:0 0 .5rem}
#cards{display:grid;gap:1rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,13rem),1fr));margin:1.5rem 0}
section{background:var(--sheet);border:1px solid var(--line);border-radius:.75rem;padding:1rem 1.25rem;min-width:0}h2{font-size:1rem;margin:0 0 .5rem}
dl{margin:0}dt{color:var(--quiet);font-size:.8125rem}dd{margin:0 0 .5rem;overflow-wrap:anywhere}nav a{color:var(--act);margin-right:1rem}
`;

/** Asks over each transport and shows the answers. */
export const script = `const show = (from, visitor) => {
  const list = document.querySelector('[data-from=' + from + '] dl');
  const rows = { user: visitor.user, UPN: visitor.upn, name: visitor.name, groups: visitor.groups.length > 12 ? visitor.groups.length + ' groups' : visitor.groups.join(', '), roles: visitor.roles.join(', ') };
  list.replaceChildren(...Object.entries(rows).flatMap(([key, value]) => {
    const dt = document.createElement('dt'), dd = document.createElement('dd');
    dt.textContent = key; dd.textContent = value || '–';
    return [dt, dd];
  }));
  document.documentElement.dataset[from] = visitor.user || 'nobody';
};
fetch('/api/whoami').then((r) => r.json()).then((v) => show('fetch', v));
const events = new EventSource('/events');
events.addEventListener('visitor', (e) => { show('events', JSON.parse(e.data)); events.close(); });
const socket = new WebSocket(location.origin.replace('http', 'ws') + '/ws', ['sample.v1']);
socket.addEventListener('message', (e) => show('socket', JSON.parse(e.data).visitor));
`;
