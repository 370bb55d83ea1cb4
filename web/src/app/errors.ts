import { isKey, t } from '@/i18n'
import { ApiError } from '@/protocol/http'

/** What happened, in the reader's language. An unknown code is shown with the code itself, so that help can ask for it. */
export function errorText(cause: unknown): string {
  const error = ApiError.from(cause)
  const key = `errors.${error.code}`
  if (isKey(key)) return t(key, scalars(error.details))
  if (error.status === 401) return t('errors.auth.required')
  if (error.status === 403) return t('errors.auth.forbidden')
  if (error.status === 404) return t('errors.request.not_found')
  if (error.status >= 500) return t('errors.server', { code: error.code })
  return t('errors.unknown', { code: error.code })
}

function scalars(details: Readonly<Record<string, unknown>>): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(details).filter((pair): pair is [string, string | number] => ['string', 'number'].includes(typeof pair[1])),
  )
}
