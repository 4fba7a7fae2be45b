/** Words of the page `security`, in both languages. */
export const zh = { title: '我的登录' }

export const en: typeof zh = { title: 'My sign-in' }
