// What the app keeps for the request that is there (`node:async_hooks`): by storage.

/** Of the one request that an instance has. */
export const stores = new Map();
