export const rx = {
  'rx.title': 'Prescription',
  'record.tab.rx': 'Prescription',
}
