/** Words of the page `access`, in both languages. */
export const zh = { title: '查看记录' }

export const en: typeof zh = { title: 'Access log' }
