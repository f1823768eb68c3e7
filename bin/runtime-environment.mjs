// Settings of the runtime that it reads before its first line: for every way to start the server.

export const runtimeEnvironment = {
  // Threads for files: Bun starts one a core, and two slow syncs would hold up every read and write.
  UV_THREADPOOL_SIZE: '8',
  // Memory that is free goes back at once: the chunks of a body are large and short-lived.
  MIMALLOC_PURGE_DELAY: '0',
};
