import { type Check, warning, wellFormedApps } from './check.ts';

/**
 * `cors` and `allowed_origins` say the same of a site, as far as both speak of it: whoever may act with a person's sign-in may
 * read what comes of it, and the other way round.
 */
export const checkCors: Check = ({ config, report }) => {
  for (const { app, at } of wellFormedApps(config)) {
    const { cors, allowed_origins: allowed } = app;
    if (cors === undefined) continue;
    const { credentials } = cors;
    const mayRead = (origin: string): boolean => cors.origins === '*' || cors.origins.includes(origin);
    for (const [i, origin] of allowed.entries()) {
      const place = [...at, 'allowed_origins', i];
      if (credentials && !mayRead(origin))
        report(
          warning(
            place,
            `pages of ${origin} may act with the person's sign-in, and not read what comes of it`,
            'Move it to cors.origins. With cors.credentials, allowed_origins need not name anybody.',
          ),
        );
      if (!credentials && mayRead(origin))
        report(
          warning(
            place,
            `pages of ${origin} may act with the person's sign-in, and read only what is got without it`,
            'Set cors.credentials, or remove it here.',
          ),
        );
    }
    if (!credentials || cors.origins === '*') continue;
    for (const [i, origin] of cors.origins.entries())
      if (origin.startsWith('http:') && !isThisMachine(origin))
        report(
          warning(
            [...at, 'cors', 'origins', i],
            'pages over plain HTTP can be written by anybody on the network, and would act with the sign-in of whoever opens one',
            'Write the https origin.',
          ),
        );
  }
};

const isThisMachine = (origin: string): boolean => /^http:\/\/(?:localhost|127\.[\d.]+|\[::1\])(?::|$)/.test(origin);
