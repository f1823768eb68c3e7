// What the simulation looks for: something that the registry promised and did not keep.

export class Violation extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Violation';
  }
}
