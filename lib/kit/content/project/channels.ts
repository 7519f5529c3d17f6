import type { PieceName } from "../model/inputs.js";

/** Where a milestone's texts go beside the site. */
interface ChannelDefinition {
  readonly title: string;
  /** The piece that its files are made from. */
  readonly piece: PieceName;
  /** What is pasted or uploaded, in the milestone's folder of `dist/content`. */
  readonly files: readonly string[];
  /** True for texts that lead back to the site, and show its pictures. */
  readonly needsAddress: boolean;
}

const definitions = {
  devto: { title: "dev.to", piece: "blog", files: ["blog.md"], needsAddress: true },
  hashnode: { title: "Hashnode", piece: "blog", files: ["blog.hashnode.md"], needsAddress: true },
  medium: { title: "Medium", piece: "blog", files: ["blog.medium.html"], needsAddress: true },
  linkedin: {
    title: "LinkedIn",
    piece: "linkedin",
    files: ["linkedin.txt", "images/social.png"],
    needsAddress: false,
  },
  video: { title: "Video", piece: "video", files: ["video.md", "captions.srt"], needsAddress: false },
} as const satisfies Record<string, ChannelDefinition>;

export type Channel = keyof typeof definitions;

/** All channels, in the order in which a milestone goes out. */
export const CHANNELS: Readonly<Record<Channel, ChannelDefinition>> = definitions;

export const isChannel = (name: string): name is Channel => Object.hasOwn(CHANNELS, name);
