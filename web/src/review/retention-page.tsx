/** Retention. */
import { useTranslation } from 'react-i18next'
import { Sheet } from '../ui/sheet'

export default function RetentionPage() {
  const { t } = useTranslation()
  return <Sheet title={t('retention.title')}>{null}</Sheet>
}
