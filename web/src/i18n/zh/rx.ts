export const rx = {
  'rx.title': '处方',
  'record.tab.rx': '处方',
} as const
