export const exam = {
  'exam.title': 'Four examinations',
}
