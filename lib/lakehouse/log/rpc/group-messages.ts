/** Groups, in messages and back. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { GroupDescription, GroupState } from "../groups/group-types.js";
import type { GroupDetails, GroupLag } from "../groups/log-groups.js";
import type {
  DescribeGroupResponse,
  Group,
  GroupLagSchema,
  GroupSchema,
} from "./generated/sololakehouse/log/v1/admin_pb.js";

type Bytes = Uint8Array<ArrayBuffer>;

export function groupMessage({ members, ...group }: GroupDescription): MessageInitShape<typeof GroupSchema> {
  return {
    ...group,
    members: members.map(({ memberId, instanceId, clientId, clientHost, metadata, assignment }) => ({
      ...{ memberId, instanceId, clientId, clientHost },
      metadata: metadata as Bytes,
      assignment: assignment as Bytes,
    })),
  };
}

export function lagMessage(lag: GroupLag): MessageInitShape<typeof GroupLagSchema> {
  return { ...lag };
}

export function groupOf({
  group,
  state,
  generation,
  protocolType,
  protocol,
  members,
}: Group): GroupDescription {
  return {
    ...{ group, state: state as GroupState, generation, protocolType, protocol },
    members: members.map(({ memberId, instanceId, clientId, clientHost, metadata, assignment }) => ({
      ...{ memberId, instanceId, clientId, clientHost, metadata, assignment },
    })),
  };
}

export function detailsOf({ group, offsets }: DescribeGroupResponse): GroupDetails {
  return {
    ...groupOf(group as Group),
    offsets: offsets.map(({ topic, partition, offset, end, lag, metadata, memberId }) => ({
      ...{ topic, partition, offset, end, lag, metadata, memberId },
    })),
  };
}
