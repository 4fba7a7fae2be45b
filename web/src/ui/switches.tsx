/** A small group of toggles of which one is pressed; with it, language and theme. */
import { useTranslation } from 'react-i18next'
import { chooseLanguage, LANGUAGES } from './language'
import { type ThemeChoice, useTheme } from './theme'

const LANGUAGE_NAMES = { 'zh-CN': '中文', en: 'English' } as const
const CHOICES: ThemeChoice[] = ['light', 'dark', 'system']

interface SwitchProps<T extends string | number> {
  label: string
  options: readonly { value: T; name: string }[]
  value: T
  choose: (value: T) => void
}

export function Switch<T extends string | number>({ label, options, value, choose }: SwitchProps<T>) {
  return (
    <div className="switch" role="group" aria-label={label}>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          aria-pressed={option.value === value}
          onClick={() => choose(option.value)}
        >
          {option.name}
        </button>
      ))}
    </div>
  )
}

export function LanguageSwitch() {
  const { t, i18n } = useTranslation()
  const options = LANGUAGES.map((value) => ({ value, name: LANGUAGE_NAMES[value] }))
  const value = i18n.language === 'en' ? 'en' : 'zh-CN'
  return (
    <Switch
      label={t('switch.language')}
      options={options}
      value={value}
      choose={(language) => void chooseLanguage(language)}
    />
  )
}

export function ThemeSwitch() {
  const { t } = useTranslation()
  const { choice, choose } = useTheme()
  const options = CHOICES.map((value) => ({ value, name: t(`switch.${value}`) }))
  return <Switch label={t('switch.theme')} options={options} value={choice} choose={choose} />
}
