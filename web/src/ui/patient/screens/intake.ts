// The short screens between the landing page and the declaration travel together: one request on a slow network.
export { default as ConsentScreen } from './ConsentScreen.vue'
export { default as GuardianScreen } from './GuardianScreen.vue'
export { default as IdentityScreen } from './IdentityScreen.vue'
export { default as PhoneScreen } from './PhoneScreen.vue'
export { default as RedFlagsScreen } from './RedFlagsScreen.vue'
