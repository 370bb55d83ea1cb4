export const proof = {
  'proof.verify.title': 'Document check',
}
