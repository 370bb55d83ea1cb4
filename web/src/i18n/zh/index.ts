import { call } from './call'
import { common } from './common'
import { desk } from './desk'
import { errors } from './errors'
import { nurse } from './nurse'
import { patient } from './patient'
import { room } from './room'

export const zh = { ...common, ...errors, ...patient, ...call, ...room, ...desk, ...nurse } as const
