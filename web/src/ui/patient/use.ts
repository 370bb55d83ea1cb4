import { inject } from 'vue'
import { PATIENT, type PatientStore } from '@/app/patient/store'

/** The store of the link that is open. */
export function usePatient(): PatientStore {
  const store = inject(PATIENT)
  if (!store) throw new Error('a patient screen outside PatientFlow')
  return store
}
