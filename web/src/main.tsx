import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app'
import './ui/base.css'
import './ui/board.css'
import './ui/narrow.css'
import { startLanguage } from './ui/language'

const root = document.getElementById('root')
if (root === null) throw new Error('the page has no root element')
await startLanguage()
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
