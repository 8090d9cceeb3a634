import { html } from '../html.ts';
import type { Texts } from '../texts.ts';

export const pl: Texts = {
  tag: 'pl',
  direction: 'ltr',
  requestNumber: 'Żądanie',
  tryAgain: 'Spróbuj ponownie',
  backToStart: 'Powrót na początek',
  signIn: 'Zaloguj się',
  signOut: 'Wyloguj się',
  getHelp: 'Pomoc',
  signInPage: {
    goingTo: (app) => html`aby przejść do ${app}`,
    notAutomatic: 'Automatyczne logowanie się nie powiodło.',
    notCarriedOut:
      'To, co zostało wysłane, nie zostało wykonane, bo sesja już się skończyła. Zaloguj się i wyślij to ponownie.',
    windows: 'Zaloguj się przez Windows',
    withProvider: (provider) => `Zaloguj się przez ${provider}`,
    or: 'lub',
    userName: 'Nazwa użytkownika',
    password: 'Hasło',
    problems: {
      'wrong-name-or-password': 'Nazwa użytkownika lub hasło jest nieprawidłowe.',
      throttled: 'Zbyt wiele prób. Odczekaj kilka minut i spróbuj ponownie.',
      busy: 'W tej chwili loguje się wiele osób. Spróbuj ponownie za kilka sekund.',
      unavailable: 'Haseł nie można teraz sprawdzić. Spróbuj ponownie za minutę.',
      'password-expired': 'Hasło wygasło. Zmień je w systemie Windows, a potem zaloguj się tutaj.',
      'password-must-change': 'Hasło trzeba zmienić, zanim będzie tu działać. Zaloguj się nim raz do systemu Windows.',
      'account-disabled': 'Konto jest wyłączone. Administrator może pomóc.',
      'account-expired': 'Konto wygasło. Administrator może pomóc.',
      'not-at-this-time': 'To konto nie może się logować o tej porze dnia.',
      'not-from-this-machine': 'To konto może się logować tylko na niektórych komputerach, nie tutaj.',
    },
    whatHelps: 'Logowanie przez Windows nie zadziałało?',
    help: {
      network: 'Sprawdź, czy ten komputer jest połączony z siecią firmową, bezpośrednio lub przez VPN.',
      renew: 'Zablokuj komputer, odblokuj go swoim hasłem i spróbuj ponownie. To odnawia logowanie do systemu Windows.',
      browser: (site) =>
        html`Jeśli działa to w innej przeglądarce, poproś administratora, aby pozwolił tej logować się do ${site}.`,
    },
  },
  signOutPage: { title: 'Wylogować się?', stay: 'Nie wylogowuj' },
  signedInAs: (account) => html`Zalogowane konto: ${account}.`,
  signedOutPage: {
    title: 'Wylogowano',
    text: (site) => html`Sesja w ${site} została zakończona.`,
    silent: 'Przy logowaniu przez Windows następna otwarta tu strona zaloguje Cię ponownie.',
    goingOn: (link) =>
      html`Chwileczkę: trwa też wylogowanie z konta w organizacji. Można od razu ${link('przejść dalej')}.`,
  },
  refusedPage: {
    title: 'Brak dostępu',
    notOpen: (app) => html`Ta strona aplikacji ${app} nie jest dla Ciebie dostępna.`,
    notSignedIn: 'Nikt nie jest zalogowany.',
    ask: (app) => html`Jeśli jej potrzebujesz, poproś o dostęp osoby odpowiedzialne za ${app}.`,
    afterChange: (signOut) => html`Jeśli zmieniły się Twoje grupy, ${signOut('wyloguj się tutaj')} i wróć.`,
    afterChangeWindows: (signOut) =>
      html`Jeśli zmieniły się Twoje grupy, zablokuj i odblokuj komputer, a potem ${signOut('wyloguj się tutaj')} i wróć.`,
  },
  problems: {
    'account-barred': {
      title: 'To konto nie może się zalogować',
      text: 'Jest wyłączone lub wygasło. Administrator może pomóc; potrzebny będzie numer poniżej.',
    },
    'bad-request': {
      title: 'Tego żądania nie można odczytać',
      text: 'To, co wysłała przeglądarka, można odczytać na więcej niż jeden sposób, dlatego zostało odrzucone. Wróć i spróbuj ponownie; jeśli to nie ustąpi, powiadom administratora.',
    },
    'cross-site': {
      title: 'To pochodzi z innej witryny',
      text: 'To żądanie wywołała strona innej witryny, dlatego nie zostało wykonane.',
    },
    csrf: {
      title: 'Tego żądania nie udało się potwierdzić',
      text: 'Nic nie zostało zmienione. Otwórz stronę ponownie i powtórz czynność.',
    },
    'not-found': {
      title: 'Nic tu nie ma',
      text: 'Pod tym adresem nie odpowiada żadna aplikacja. Sprawdź, czy nie ma w nim literówki.',
    },
    'path-ambiguous': {
      title: 'Ten adres można odczytać na dwa sposoby',
      text: 'Prowadzi do różnych aplikacji, zależnie od tego, kto go czyta. Sprawdź, czy nie ma w nim literówki.',
    },
    'sign-in-unavailable': {
      title: 'Logowanie jest teraz niemożliwe',
      text: 'To nie Twoja wina. Spróbuj ponownie za minutę; jeśli to nie ustąpi, powiadom administratora.',
    },
    'stream-token-repeated': {
      title: 'W tym adresie są dwa tokeny',
      text: 'Token strumienia może wystąpić w adresie tylko raz.',
    },
    'upstream-timeout': {
      title: 'Aplikacja nie odpowiada',
      text: 'To nie Twoja wina. Spróbuj ponownie za minutę; jeśli to nie ustąpi, powiadom osoby odpowiedzialne za tę aplikację.',
    },
    'upstream-unreachable': {
      title: 'Aplikacja jest nieosiągalna',
      text: 'To nie Twoja wina. Spróbuj ponownie za minutę; jeśli to nie ustąpi, powiadom osoby odpowiedzialne za tę aplikację.',
    },
  },
  provider: {
    notSignedIn: 'Logowanie się nie powiodło',
    didNotWork: (provider) =>
      `Logowanie przez ${provider} tym razem się nie powiodło. To nie Twoja wina: być może trwało zbyt długo albo strona została otwarta po raz drugi.`,
    again: (link) => html`${link('Zaloguj się ponownie')}. Jeśli to nie pomoże, podaj administratorowi numer poniżej.`,
    cancelled: (provider) => `Dostawca ${provider} odmówił logowania albo zostało ono anulowane.`,
    againOrAsk: (link) => html`${link('Zaloguj się ponownie')}. Jeśli to nie pomoże, poproś administratora o dostęp.`,
    notWelcome: (provider) =>
      `Logowanie przez ${provider} się powiodło, ale to konto nie należy do tych, które mogą korzystać z tej witryny.`,
    askThenAgain: (link) => html`Poproś administratora o dostęp, a potem ${link('zaloguj się ponownie')}.`,
    downTitle: 'Logowanie jest teraz niemożliwe',
    down: (provider) => `${provider} nie odpowiada. To nie Twoja wina.`,
    waitAndAgain: (link) =>
      html`Odczekaj chwilę, a potem ${link('spróbuj ponownie')}. Jeśli to nie ustąpi, powiadom administratora.`,
    signedIn: 'Zalogowano',
    oneMoment: (link) => html`Chwileczkę albo ${link('przejdź dalej')}.`,
  },
};
