import { call } from './call'
import { common } from './common'
import { desk } from './desk'
import { errors } from './errors'
import { nurse } from './nurse'
import { patient } from './patient'

export const zh = { ...common, ...errors, ...patient, ...call, ...desk, ...nurse } as const
