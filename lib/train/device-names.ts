// Names of the devices that a program can be compiled for, apart from what looks for them.

export const deviceNames = ['cpu'] as const;
