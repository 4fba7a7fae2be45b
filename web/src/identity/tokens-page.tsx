/** API tokens. */
import { useTranslation } from 'react-i18next'
import { Sheet } from '../ui/sheet'

export default function TokensPage() {
  const { t } = useTranslation()
  return <Sheet title={t('tokens.title')}>{null}</Sheet>
}
