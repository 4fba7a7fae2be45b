/** Words for codes that come from the server: looked up by name, and never missing. */
import i18next from 'i18next'

/** The word for `code` in `group`, or the bare code where our vocabulary has none yet. */
export function word(group: string, code: string): string {
  if (code === '') return ''
  const found: unknown =
    i18next.getResource(i18next.language, 'translation', `${group}.${code}`) ??
    i18next.getResource('zh-CN', 'translation', `${group}.${code}`)
  return typeof found === 'string' ? found : code
}
