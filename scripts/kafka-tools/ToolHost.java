import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs one command-line tool of Kafka after another in one virtual machine, whose start is most of what each would
 * take by itself. In: class name, arguments, standard input. Out: exit code, standard output, standard error.
 */
public final class ToolHost {
  private static final class Ended extends RuntimeException {
    final int code;

    Ended(int code) {
      super(null, null, false, false);
      this.code = code;
    }
  }

  public static void main(String[] none) throws Exception {
    DataInputStream in = new DataInputStream(System.in);
    DataOutputStream out = new DataOutputStream(System.out);
    Exit.setExitProcedure((code, message) -> { throw new Ended(code); });
    Exit.setHaltProcedure((code, message) -> { throw new Ended(code); });
    // Run when the tool ends: this machine goes on.
    List<Runnable> hooks = new ArrayList<>();
    Exit.setShutdownHookAdder((name, hook) -> hooks.add(hook));
    for (;;) {
      int words = in.read();
      if (words < 0) return;
      words = words << 8 | in.read();
      String tool = text(in);
      String[] args = new String[words - 1];
      for (int i = 0; i < args.length; i++) args[i] = text(in);
      byte[] input = in.readNBytes(in.readInt());
      ByteArrayOutputStream stdout = new ByteArrayOutputStream();
      ByteArrayOutputStream stderr = new ByteArrayOutputStream();
      System.setIn(new ByteArrayInputStream(input));
      System.setOut(new PrintStream(stdout, true, StandardCharsets.UTF_8));
      System.setErr(new PrintStream(stderr, true, StandardCharsets.UTF_8));
      int code = run(tool, args);
      for (Runnable hook : hooks) hook.run();
      hooks.clear();
      out.writeInt(code);
      System.out.flush();
      System.err.flush();
      reply(out, stdout);
      reply(out, stderr);
      out.flush();
    }
  }

  private static int run(String tool, String[] args) throws Exception {
    try {
      Class.forName(tool).getMethod("main", String[].class).invoke(null, (Object) args);
      return 0;
    } catch (InvocationTargetException e) {
      for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
        if (cause instanceof Ended) return ((Ended) cause).code;
      }
      e.getCause().printStackTrace();
      return 1;
    }
  }

  private static String text(DataInputStream in) throws Exception {
    return new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8);
  }

  private static void reply(DataOutputStream out, ByteArrayOutputStream text) throws Exception {
    out.writeInt(text.size());
    text.writeTo(out);
  }
}
