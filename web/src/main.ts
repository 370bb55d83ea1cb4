import { createApp } from 'vue'
import { startPreferences } from './app/preferences'
import { unsentLines } from './protocol/unsent'
import App from './ui/App.vue'
import { router } from './ui/router'
import './styles/tokens.css'
import './styles/reset.css'
import './styles/base.css'
import './styles/print.css'

await startPreferences()
createApp(App).use(router).mount('#app')
void unsentLines().sweep()
