import { randomBytes } from "node:crypto";
import type { RequestOf, ResponseTo } from "../../protocol/api.js";
import { ERROR } from "../../protocol/error-codes.js";
import type { initProducerId } from "../../protocol/messages/transactions.js";

export async function answerInitProducerId({
  transactionalId,
}: RequestOf<typeof initProducerId>): Promise<ResponseTo<typeof initProducerId>> {
  if (transactionalId !== null)
    return { errorCode: ERROR.COORDINATOR_NOT_AVAILABLE, producerId: -1n, producerEpoch: -1 };
  // Of 62 bits, so that two are never the same.
  const producerId = randomBytes(8).readBigUInt64BE() >> 2n;
  return { errorCode: ERROR.NONE, producerId, producerEpoch: 0 };
}
