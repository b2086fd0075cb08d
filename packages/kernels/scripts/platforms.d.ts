interface Platform {
  os: string;
  cpu: string;
  libc?: string;
  zig: string;
  kernels?: string[];
}

export declare const platforms: Readonly<Record<string, Platform>>;
