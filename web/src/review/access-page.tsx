/** Access log. */
import { useTranslation } from 'react-i18next'
import { Sheet } from '../ui/sheet'

export default function AccessPage() {
  const { t } = useTranslation()
  return <Sheet title={t('access.title')}>{null}</Sheet>
}
