/** Words of the page `tokens`, in both languages. */
export const zh = { title: '接口令牌' }

export const en: typeof zh = { title: 'API tokens' }
