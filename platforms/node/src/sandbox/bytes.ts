/**
 * Pieces as one array with a buffer of its own.
 *
 * Never a view: a message between threads takes the whole buffer along, and Node's buffers are cut from one that may
 * hold anything, the key's header included.
 */
export function join(pieces: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
