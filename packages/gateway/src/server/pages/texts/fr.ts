import { html } from '../html.ts';
import type { Texts } from '../texts.ts';

export const fr: Texts = {
  tag: 'fr',
  direction: 'ltr',
  requestNumber: 'Requête',
  tryAgain: 'Réessayer',
  backToStart: 'Retour à l’accueil',
  signIn: 'Se connecter',
  signOut: 'Se déconnecter',
  getHelp: 'Obtenir de l’aide',
  signInPage: {
    goingTo: (app) => html`pour accéder à ${app}`,
    notAutomatic: 'Vous n’avez pas été connecté automatiquement.',
    notCarriedOut:
      'Ce que vous avez envoyé n’a pas été exécuté, car vous n’êtes plus connecté. Connectez-vous, puis envoyez-le de nouveau.',
    windows: 'Se connecter avec Windows',
    withProvider: (provider) => `Se connecter avec ${provider}`,
    or: 'ou',
    userName: 'Nom d’utilisateur',
    password: 'Mot de passe',
    problems: {
      'wrong-name-or-password': 'Le nom d’utilisateur ou le mot de passe est incorrect.',
      throttled: 'Trop de tentatives. Attendez quelques minutes, puis réessayez.',
      busy: 'Beaucoup de personnes se connectent en ce moment. Réessayez dans quelques secondes.',
      unavailable: 'Les mots de passe ne peuvent pas être vérifiés pour le moment. Réessayez dans une minute.',
      'password-expired': 'Votre mot de passe a expiré. Changez-le dans Windows, puis connectez-vous ici.',
      'password-must-change':
        'Votre mot de passe doit être changé avant de servir ici. Connectez-vous une fois à Windows avec lui.',
      'account-disabled': 'Votre compte est désactivé. Votre administrateur peut vous aider.',
      'account-expired': 'Votre compte a expiré. Votre administrateur peut vous aider.',
      'not-at-this-time': 'Votre compte ne peut pas se connecter à cette heure.',
      'not-from-this-machine': 'Votre compte ne peut se connecter que sur certains ordinateurs, pas ici.',
    },
    whatHelps: 'La connexion Windows n’a pas fonctionné ?',
    help: {
      network: 'Vérifiez que cet ordinateur est relié au réseau de l’entreprise, directement ou par VPN.',
      renew:
        'Verrouillez l’ordinateur, déverrouillez-le avec votre mot de passe, puis réessayez. Cela renouvelle votre connexion Windows.',
      browser: (site) =>
        html`Si cela fonctionne dans un autre navigateur, demandez à votre administrateur d’autoriser celui-ci à se connecter à ${site}.`,
    },
  },
  signOutPage: { title: 'Se déconnecter ?', stay: 'Rester connecté' },
  signedInAs: (account) => html`Vous êtes connecté en tant que ${account}.`,
  signedOutPage: {
    title: 'Déconnexion effectuée',
    text: (site) => html`Vous êtes déconnecté de ${site}.`,
    silent: 'Avec la connexion Windows, la prochaine page que vous ouvrirez ici vous connectera de nouveau.',
    goingOn: (link) =>
      html`Un instant : vous êtes aussi déconnecté du compte de votre organisation, ou ${link('continuez')}.`,
  },
  refusedPage: {
    title: 'Accès refusé',
    notOpen: (app) => html`Cette page de ${app} ne vous est pas ouverte.`,
    notSignedIn: 'Vous n’êtes pas connecté.',
    ask: (app) => html`Si vous en avez besoin, demandez l’accès aux responsables de ${app}.`,
    afterChange: (signOut) => html`Si vos groupes ont changé, ${signOut('déconnectez-vous ici')} et revenez.`,
    afterChangeWindows: (signOut) =>
      html`Si vos groupes ont changé, verrouillez et déverrouillez votre ordinateur, puis ${signOut('déconnectez-vous ici')} et revenez.`,
  },
  problems: {
    'account-barred': {
      title: 'Ce compte ne peut pas se connecter',
      text: 'Il est désactivé ou a expiré. Votre administrateur peut vous aider, avec le numéro ci-dessous.',
    },
    'bad-request': {
      title: 'Cette requête est illisible',
      text: 'Ce que votre navigateur a envoyé peut se lire de plusieurs façons et a donc été refusé. Revenez en arrière et réessayez ; si cela persiste, prévenez votre administrateur.',
    },
    'cross-site': {
      title: 'Cela vient d’un autre site',
      text: 'Une page d’un autre site a provoqué cette requête ; elle n’a donc pas été exécutée.',
    },
    csrf: {
      title: 'Cette requête n’a pas pu être confirmée',
      text: 'Rien n’a été modifié. Rouvrez la page et refaites ce que vous avez fait.',
    },
    'not-found': {
      title: 'Il n’y a rien ici',
      text: 'Aucune application ne répond à cette adresse. Vérifiez qu’elle ne contient pas de faute de frappe.',
    },
    'path-ambiguous': {
      title: 'Cette adresse peut se lire de deux façons',
      text: 'Elle mène à des applications différentes selon qui la lit. Vérifiez qu’elle ne contient pas de faute de frappe.',
    },
    'sign-in-unavailable': {
      title: 'La connexion est impossible pour le moment',
      text: 'Vous n’avez rien fait de mal. Réessayez dans une minute ; si cela persiste, prévenez votre administrateur.',
    },
    'stream-token-repeated': {
      title: 'Cette adresse contient deux jetons',
      text: 'Un jeton de flux ne peut figurer qu’une fois dans une adresse.',
    },
    'upstream-timeout': {
      title: 'L’application ne répond pas',
      text: 'Vous n’avez rien fait de mal. Réessayez dans une minute ; si cela persiste, prévenez les responsables de cette application.',
    },
    'upstream-unreachable': {
      title: 'L’application est injoignable',
      text: 'Vous n’avez rien fait de mal. Réessayez dans une minute ; si cela persiste, prévenez les responsables de cette application.',
    },
  },
  provider: {
    notSignedIn: 'Vous n’êtes pas connecté',
    didNotWork: (provider) =>
      `La connexion avec ${provider} n’a pas fonctionné cette fois. Vous n’avez rien fait de mal : elle a peut-être pris trop de temps, ou la page a été ouverte une seconde fois.`,
    again: (link) =>
      html`${link('Se connecter de nouveau')}. Si cela n’aide pas, donnez à votre administrateur le numéro ci-dessous.`,
    cancelled: (provider) => `${provider} ne vous a pas laissé entrer, ou vous avez annulé.`,
    againOrAsk: (link) =>
      html`${link('Se connecter de nouveau')}. Si cela n’aide pas, demandez l’accès à votre administrateur.`,
    notWelcome: (provider) =>
      `${provider} vous a connecté, mais votre compte n’est pas de ceux qui peuvent utiliser ce site.`,
    askThenAgain: (link) => html`Demandez l’accès à votre administrateur, puis ${link('connectez-vous de nouveau')}.`,
    downTitle: 'La connexion est impossible pour le moment',
    down: (provider) => `${provider} ne répond pas. Vous n’avez rien fait de mal.`,
    waitAndAgain: (link) =>
      html`Attendez un instant, puis ${link('réessayez')}. Si cela persiste, prévenez votre administrateur.`,
    signedIn: 'Vous êtes connecté',
    oneMoment: (link) => html`Un instant, ou ${link('continuez')}.`,
  },
};
