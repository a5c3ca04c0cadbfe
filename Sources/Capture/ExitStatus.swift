/// The exit statuses of docs/command-line.md.
public enum ExitStatus {
  public static let done: Int32 = 0
  public static let failure: Int32 = 1
  public static let partial: Int32 = 3
  public static let notPermitted: Int32 = 4
  public static let usage: Int32 = 64
}
