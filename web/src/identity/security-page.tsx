/** My sign-in. */
import { useTranslation } from 'react-i18next'
import { Sheet } from '../ui/sheet'

export default function SecurityPage() {
  const { t } = useTranslation()
  return <Sheet title={t('security.title')}>{null}</Sheet>
}
