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

/** What is said at a field: the text of a refusal that names it. */
export function errorAt(cause: unknown, ...fields: readonly string[]): string | undefined {
  return names(cause, fields) ? errorText(cause) : undefined
}

/** What is said beside the whole form: the text of a refusal, unless it is said at one of these fields. */
export function errorBeside(cause: unknown, ...fields: readonly string[]): string | undefined {
  return cause && !names(cause, fields) ? errorText(cause) : undefined
}

/** What a control says of itself where its field is refused. */
export function faulty(cause: unknown, field: string, id: string): { 'aria-invalid'?: true; 'aria-describedby'?: string } {
  return names(cause, [field]) ? { 'aria-invalid': true, 'aria-describedby': `${id}-error` } : {}
}

function names(cause: unknown, fields: readonly string[]): boolean {
  return cause instanceof ApiError && cause.field !== undefined && fields.includes(cause.field)
}

function scalars(details: Readonly<Record<string, unknown>>): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(details).filter((pair): pair is [string, string | number] => ['string', 'number'].includes(typeof pair[1])),
  )
}
