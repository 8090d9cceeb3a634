import { html } from '../html.ts';
import type { Texts } from '../texts.ts';

export const de: Texts = {
  tag: 'de',
  direction: 'ltr',
  requestNumber: 'Anfrage',
  tryAgain: 'Noch einmal versuchen',
  backToStart: 'Zurück zur Startseite',
  signIn: 'Anmelden',
  signOut: 'Abmelden',
  getHelp: 'Hilfe',
  signInPage: {
    goingTo: (app) => html`um zu ${app} zu gelangen`,
    notAutomatic: 'Sie wurden nicht automatisch angemeldet.',
    notCarriedOut:
      'Was Sie gesendet haben, wurde nicht ausgeführt, da Sie nicht mehr angemeldet sind. Melden Sie sich an und senden Sie es noch einmal.',
    windows: 'Mit Windows anmelden',
    withProvider: (provider) => `Anmelden mit ${provider}`,
    or: 'oder',
    userName: 'Benutzername',
    password: 'Passwort',
    problems: {
      'wrong-name-or-password': 'Der Benutzername oder das Passwort stimmt nicht.',
      throttled: 'Zu viele Versuche. Bitte warten Sie einige Minuten und versuchen Sie es dann noch einmal.',
      busy: 'Gerade melden sich viele an. Bitte versuchen Sie es in einigen Sekunden noch einmal.',
      unavailable: 'Passwörter können gerade nicht geprüft werden. Bitte versuchen Sie es in einer Minute noch einmal.',
      'password-expired': 'Ihr Passwort ist abgelaufen. Ändern Sie es in Windows und melden Sie sich dann hier an.',
      'password-must-change':
        'Ihr Passwort muss geändert werden, bevor es hier gilt. Melden Sie sich damit einmal an Windows an.',
      'account-disabled': 'Ihr Konto ist gesperrt. Ihre Administration kann helfen.',
      'account-expired': 'Ihr Konto ist abgelaufen. Ihre Administration kann helfen.',
      'not-at-this-time': 'Ihr Konto darf sich um diese Tageszeit nicht anmelden.',
      'not-from-this-machine': 'Ihr Konto darf sich nur an bestimmten Computern anmelden, nicht hier.',
    },
    whatHelps: 'Die Windows-Anmeldung hat nicht funktioniert?',
    help: {
      network: 'Prüfen Sie, ob dieser Computer mit dem Firmennetz verbunden ist, direkt oder über VPN.',
      renew:
        'Sperren Sie den Computer, entsperren Sie ihn mit Ihrem Passwort und versuchen Sie es noch einmal. Das erneuert Ihre Windows-Anmeldung.',
      browser: (site) =>
        html`Wenn es in einem anderen Browser funktioniert, bitten Sie Ihre Administration, diesem die Anmeldung bei ${site} zu erlauben.`,
    },
  },
  signOutPage: { title: 'Abmelden?', stay: 'Angemeldet bleiben' },
  signedInAs: (account) => html`Sie sind angemeldet als ${account}.`,
  signedOutPage: {
    title: 'Abgemeldet',
    text: (site) => html`Sie sind von ${site} abgemeldet.`,
    silent: 'Mit der Windows-Anmeldung meldet Sie die nächste Seite, die Sie hier öffnen, wieder an.',
    goingOn: (link) =>
      html`Einen Moment: Sie werden auch vom Konto Ihrer Organisation abgemeldet, oder ${link('weiter')}.`,
  },
  refusedPage: {
    title: 'Kein Zugriff',
    notOpen: (app) => html`Diese Seite von ${app} ist für Sie nicht freigegeben.`,
    notSignedIn: 'Sie sind nicht angemeldet.',
    ask: (app) => html`Wenn Sie sie brauchen, bitten Sie die Verantwortlichen von ${app} um Zugriff.`,
    afterChange: (signOut) =>
      html`Wenn sich Ihre Gruppen geändert haben: ${signOut('hier abmelden')} und wiederkommen.`,
    afterChangeWindows: (signOut) =>
      html`Wenn sich Ihre Gruppen geändert haben: den Computer sperren und entsperren, dann ${signOut('hier abmelden')} und wiederkommen.`,
  },
  problems: {
    'account-barred': {
      title: 'Dieses Konto kann sich nicht anmelden',
      text: 'Es ist gesperrt oder abgelaufen. Ihre Administration kann helfen, mit der Nummer unten.',
    },
    'bad-request': {
      title: 'Diese Anfrage ist nicht lesbar',
      text: 'Was Ihr Browser gesendet hat, lässt sich auf mehr als eine Art lesen und wurde deshalb abgelehnt. Gehen Sie zurück und versuchen Sie es noch einmal; wenn es so bleibt, sagen Sie es Ihrer Administration.',
    },
    'cross-site': {
      title: 'Das kam von einer anderen Website',
      text: 'Eine Seite einer anderen Website hat diese Anfrage ausgelöst. Sie wurde deshalb nicht ausgeführt.',
    },
    csrf: {
      title: 'Diese Anfrage ließ sich nicht bestätigen',
      text: 'Es wurde nichts geändert. Öffnen Sie die Seite neu und wiederholen Sie, was Sie getan haben.',
    },
    'not-found': {
      title: 'Hier ist nichts',
      text: 'Unter dieser Adresse antwortet keine Anwendung. Prüfen Sie sie auf einen Tippfehler.',
    },
    'path-ambiguous': {
      title: 'Diese Adresse lässt sich auf zwei Arten lesen',
      text: 'Sie führt zu verschiedenen Anwendungen, je nachdem, wer sie liest. Prüfen Sie sie auf einen Tippfehler.',
    },
    'sign-in-unavailable': {
      title: 'Die Anmeldung ist gerade nicht möglich',
      text: 'Sie haben nichts falsch gemacht. Bitte versuchen Sie es in einer Minute noch einmal; wenn es so bleibt, sagen Sie es Ihrer Administration.',
    },
    'stream-token-repeated': {
      title: 'Diese Adresse hat zwei Token',
      text: 'Ein Stream-Token darf in einer Adresse nur einmal stehen.',
    },
    'upstream-timeout': {
      title: 'Die Anwendung antwortet nicht',
      text: 'Sie haben nichts falsch gemacht. Bitte versuchen Sie es in einer Minute noch einmal; wenn es so bleibt, sagen Sie es den Verantwortlichen der Anwendung.',
    },
    'upstream-unreachable': {
      title: 'Die Anwendung ist nicht erreichbar',
      text: 'Sie haben nichts falsch gemacht. Bitte versuchen Sie es in einer Minute noch einmal; wenn es so bleibt, sagen Sie es den Verantwortlichen der Anwendung.',
    },
  },
  provider: {
    notSignedIn: 'Sie sind nicht angemeldet',
    didNotWork: (provider) =>
      `Die Anmeldung mit ${provider} hat diesmal nicht funktioniert. Sie haben nichts falsch gemacht: Vielleicht hat es zu lange gedauert, oder die Seite wurde ein zweites Mal geöffnet.`,
    again: (link) =>
      html`${link('Noch einmal anmelden')}. Wenn das nicht hilft, nennen Sie Ihrer Administration die Nummer unten.`,
    cancelled: (provider) => `${provider} hat Sie nicht angemeldet, oder Sie haben abgebrochen.`,
    againOrAsk: (link) =>
      html`${link('Noch einmal anmelden')}. Wenn das nicht hilft, bitten Sie Ihre Administration um Zugriff.`,
    notWelcome: (provider) =>
      `${provider} hat Sie angemeldet, aber Ihr Konto gehört nicht zu denen, die diese Website benutzen dürfen.`,
    askThenAgain: (link) => html`Bitten Sie Ihre Administration um Zugriff. Danach: ${link('noch einmal anmelden')}.`,
    downTitle: 'Die Anmeldung ist gerade nicht möglich',
    down: (provider) => `${provider} antwortet nicht. Sie haben nichts falsch gemacht.`,
    waitAndAgain: (link) =>
      html`Warten Sie einen Moment, dann ${link('noch einmal versuchen')}. Wenn es so bleibt, sagen Sie es Ihrer Administration.`,
    signedIn: 'Sie sind angemeldet',
    oneMoment: (link) => html`Einen Moment, oder ${link('weiter')}.`,
  },
};
