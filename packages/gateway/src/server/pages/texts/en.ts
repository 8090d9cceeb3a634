import { html } from '../html.ts';
import type { Texts } from '../texts.ts';

export const en: Texts = {
  tag: 'en',
  direction: 'ltr',
  requestNumber: 'Request',
  tryAgain: 'Try again',
  backToStart: 'Back to the start',
  signIn: 'Sign in',
  signOut: 'Sign out',
  getHelp: 'Get help',
  signInPage: {
    goingTo: (app) => html`to go on to ${app}`,
    notAutomatic: 'You were not signed in automatically.',
    notCarriedOut:
      'What you have sent was not carried out, since you are not signed in any more. Sign in, then send it again.',
    windows: 'Sign in with Windows',
    withProvider: (provider) => `Sign in with ${provider}`,
    or: 'or',
    userName: 'User name',
    password: 'Password',
    problems: {
      'wrong-name-or-password': 'The user name or the password is not right.',
      throttled: 'Too many attempts. Please wait a few minutes, then try again.',
      busy: 'Many people are signing in at the moment. Please try again in a few seconds.',
      unavailable: 'Passwords cannot be checked right now. Please try again in a minute.',
      'password-expired': 'Your password has expired. Change it in Windows, then sign in here.',
      'password-must-change':
        'Your password has to be changed before it can be used here. Sign in to Windows with it once.',
      'account-disabled': 'Your account is disabled. Your administrator can help.',
      'account-expired': 'Your account has expired. Your administrator can help.',
      'not-at-this-time': 'Your account may not sign in at this time of day.',
      'not-from-this-machine': 'Your account may sign in at certain computers only, not here.',
    },
    whatHelps: 'Windows sign-in did not work?',
    help: {
      network: 'Check that this computer is connected to the company network, directly or by VPN.',
      renew: 'Lock the computer and unlock it with your password, then try again. That renews your Windows sign-in.',
      browser: (site) =>
        html`If it works in another browser, ask your administrator to let this one sign in to ${site}.`,
    },
  },
  signOutPage: { title: 'Sign out?', stay: 'Stay signed in' },
  signedInAs: (account) => html`You are signed in as ${account}.`,
  signedOutPage: {
    title: 'Signed out',
    text: (site) => html`You are signed out of ${site}.`,
    silent: 'With Windows sign-in, the next page you open here signs you in again.',
    goingOn: (link) =>
      html`One moment: you are signed out of your organisation’s account as well, or ${link('go on')}.`,
  },
  refusedPage: {
    title: 'No access',
    notOpen: (app) => html`This page of ${app} is not open to you.`,
    notSignedIn: 'You are not signed in.',
    ask: (app) => html`If you need it, ask the people who run ${app} for access.`,
    afterChange: (signOut) => html`After your groups have changed, ${signOut('sign out here')} and come back.`,
    afterChangeWindows: (signOut) =>
      html`After your groups have changed, lock and unlock your computer, then ${signOut('sign out here')} and come back.`,
  },
  problems: {
    'account-barred': {
      title: 'This account cannot sign in',
      text: 'It is disabled or has expired. Your administrator can help, with the number below.',
    },
    'bad-request': {
      title: 'This request cannot be read',
      text: 'What your browser has sent can be read in more than one way, so it was refused. Go back and try again; if it lasts, tell your administrator.',
    },
    'cross-site': {
      title: 'This came from another site',
      text: 'A page of another site caused this request, so it was not carried out.',
    },
    csrf: {
      title: 'This request could not be confirmed',
      text: 'Nothing was changed. Open the page again and repeat what you did.',
    },
    'not-found': {
      title: 'Nothing here',
      text: 'No application answers at this address. Check it for a typing error.',
    },
    'path-ambiguous': {
      title: 'This address can be read in two ways',
      text: 'It leads to different applications, depending on who reads it. Check it for a typing error.',
    },
    'sign-in-unavailable': {
      title: 'Signing in is not possible right now',
      text: 'You did nothing wrong. Please try again in a minute; if it lasts, tell your administrator.',
    },
    'stream-token-repeated': {
      title: 'This address has two tokens',
      text: 'A stream token may stand in an address once.',
    },
    'upstream-timeout': {
      title: 'The application does not answer',
      text: 'You did nothing wrong. Please try again in a minute; if it lasts, tell the people who run this application.',
    },
    'upstream-unreachable': {
      title: 'The application cannot be reached',
      text: 'You did nothing wrong. Please try again in a minute; if it lasts, tell the people who run this application.',
    },
  },
  provider: {
    notSignedIn: 'You are not signed in',
    didNotWork: (provider) =>
      `Signing in with ${provider} did not work this time. You did nothing wrong: perhaps it took too long, or the page was opened a second time.`,
    again: (link) => html`${link('Sign in again')}. If it does not help, tell your administrator the number below.`,
    cancelled: (provider) => `${provider} did not let you in, or you have cancelled.`,
    againOrAsk: (link) => html`${link('Sign in again')}. If it does not help, ask your administrator for access.`,
    notWelcome: (provider) =>
      `${provider} has signed you in, but your account is not among those that may use this site.`,
    askThenAgain: (link) => html`Ask your administrator for access, then ${link('sign in again')}.`,
    downTitle: 'Signing in is not possible right now',
    down: (provider) => `${provider} does not answer. You did nothing wrong.`,
    waitAndAgain: (link) => html`Wait a moment, then ${link('try again')}. If it lasts, tell your administrator.`,
    signedIn: 'You are signed in',
    oneMoment: (link) => html`One moment, or ${link('go on')}.`,
  },
};
