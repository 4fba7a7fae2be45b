/** Chinese first, English beside it; the choice is kept in this browser. */
import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'
import { en } from './words/en'
import { zh } from './words/zh'

export const LANGUAGES = ['zh-CN', 'en'] as const
export type Language = (typeof LANGUAGES)[number]

const KEPT = 'muster.language'

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'translation'
    resources: { translation: typeof zh }
  }
}

function keptLanguage(): Language {
  return localStorage.getItem(KEPT) === 'en' ? 'en' : 'zh-CN'
}

export async function startLanguage(): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: keptLanguage(),
    fallbackLng: 'zh-CN',
    resources: { 'zh-CN': { translation: zh }, en: { translation: en } },
    interpolation: { escapeValue: false },
    returnNull: false,
  })
  document.documentElement.lang = i18next.language
}

export async function chooseLanguage(language: Language): Promise<void> {
  localStorage.setItem(KEPT, language)
  await i18next.changeLanguage(language)
  document.documentElement.lang = language
}

/** The name in the reader's language, of anything the city pack names twice. */
export function named(thing: { name_zh: string; name_en: string }, language: string): string {
  return language.startsWith('zh') ? thing.name_zh : thing.name_en || thing.name_zh
}
