/** Words of the page `retention`, in both languages. */
export const zh = { title: '保存期限' }

export const en: typeof zh = { title: 'Retention' }
