import type { Catalogue } from '..'
import { call } from './call'
import { common } from './common'
import { desk } from './desk'
import { errors } from './errors'
import { nurse } from './nurse'
import { patient } from './patient'
import { room } from './room'

export const en: Catalogue = { ...common, ...errors, ...patient, ...call, ...room, ...desk, ...nurse }
