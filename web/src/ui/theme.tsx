/** Light, dark or the system's choice: kept in this browser, written to the document as CSS variables. */
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react'
import { type Palette, PALETTES, type Shade, sharpened } from './tokens'

export type ThemeChoice = 'light' | 'dark' | 'system'

interface Theme {
  choice: ThemeChoice
  shade: Shade
  palette: Palette
  choose: (choice: ThemeChoice) => void
}

const KEPT = 'muster.theme'
const ThemeContext = createContext<Theme | null>(null)

function keptChoice(): ThemeChoice {
  const kept = localStorage.getItem(KEPT)
  return kept === 'light' || kept === 'dark' ? kept : 'system'
}

function paintDocument(shade: Shade, palette: Palette): void {
  const root = document.documentElement
  root.dataset['theme'] = shade
  root.style.colorScheme = shade
  for (const [name, colour] of Object.entries(palette)) root.style.setProperty(`--${name}`, colour)
}

/** True while a media query holds; follows its changes. */
export function useMedia(query: string): boolean {
  const [holds, setHolds] = useState(() => matchMedia(query).matches)
  useEffect(() => {
    const list = matchMedia(query)
    const follow = () => setHolds(list.matches)
    follow()
    list.addEventListener('change', follow)
    return () => list.removeEventListener('change', follow)
  }, [query])
  return holds
}

export function ThemeProvider({ children }: { children: ReactNode }) {
  const [choice, setChoice] = useState<ThemeChoice>(keptChoice)
  const systemDark = useMedia('(prefers-color-scheme: dark)')
  const sharp = useMedia('(prefers-contrast: more)')
  const shade: Shade = choice === 'system' ? (systemDark ? 'dark' : 'light') : choice
  const theme = useMemo<Theme>(() => {
    const palette = sharp ? sharpened(PALETTES[shade]) : PALETTES[shade]
    paintDocument(shade, palette)
    const choose = (next: ThemeChoice) => {
      localStorage.setItem(KEPT, next)
      setChoice(next)
    }
    return { choice, shade, palette, choose }
  }, [choice, shade, sharp])
  return <ThemeContext value={theme}>{children}</ThemeContext>
}

export function useTheme(): Theme {
  const theme = useContext(ThemeContext)
  if (theme === null) throw new Error('useTheme outside ThemeProvider')
  return theme
}
