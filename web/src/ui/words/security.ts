/** Words of the page `security` and of whatever asks who is there, in both languages. */
export const zh = {
  title: '我的登录',
  code: '输入验证码',
  codeLead: '{{username}}，密码正确。请看验证器应用。',
  codeOrRecovery: '6 位验证码，或一个恢复码',
  sixDigits: '6 位验证码',
  otherPerson: '换一个账号登录',
}

export const en: typeof zh = {
  title: 'My sign-in',
  code: 'Enter the code',
  codeLead: '{{username}}, the password is right. Look at your authenticator app.',
  codeOrRecovery: 'Six digits, or a recovery code',
  sixDigits: 'Six digits',
  otherPerson: 'Sign in with another account',
}
