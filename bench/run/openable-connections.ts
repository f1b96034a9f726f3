/** Files that a process has open besides. */
const OTHER_FILES = 200;

/** How many connections the system lets one process have. */
export function openableConnections(): number {
  const { userLimits } = process.report.getReport() as unknown as {
    readonly userLimits?: { readonly open_files?: { readonly hard: number | 'unlimited' } };
  };
  const files = userLimits?.open_files?.hard ?? 'unlimited';
  return files === 'unlimited' ? Infinity : Math.max(1, files - OTHER_FILES);
}
