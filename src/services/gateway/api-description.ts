/**
 * What the OpenAPI document says about the gateway as a whole; its routes describe themselves.
 */
export const apiDescription = {
  title: 'Fanfare gateway',
  description:
    'For services that tell people something. Every call carries the app’s key and one of its secrets as HTTP Basic ' +
    'authentication. Every refusal is a problem document (RFC 9457). A field that is not declared here is refused by ' +
    'its name. What waits for a dependency is answered 503 with Retry-After, and may be repeated as it is.',
  tags: [
    { name: 'notifications', description: 'Send, look up, take back' },
    { name: 'users', description: 'Who people are, one by one or many at once' },
    { name: 'devices', description: 'Where push notifications go' },
    { name: 'settings', description: 'What people want to hear' },
    { name: 'categories', description: 'Which notifications there are, and their rules' },
    { name: 'templates', description: 'What notifications say' },
    { name: 'suppressions', description: 'Addresses that nobody may write to' },
    { name: 'analytics', description: 'How far what was sent has come' },
  ],
} as const
