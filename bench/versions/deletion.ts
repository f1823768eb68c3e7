export async function measureDeletion(_: unknown): Promise<void> {}
