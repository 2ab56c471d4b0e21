// Runs the main methods of many command-line tools one after the other in one JVM: a line on standard input for each, its
// parts in Base64, separated by blanks: the class, a limit in seconds, the lines for its standard input, the arguments.
// Answers one line for each: the exit status, then in Base64 what it wrote to standard output and to standard error.
// A tool that wants to end the JVM is left waiting instead (many catch whatever is thrown at them); one that is still
// running at its limit is interrupted, and its status is -1.
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.common.utils.Exit;

public class Tools {
    static volatile CompletableFuture<Integer> ended = new CompletableFuture<>();
    /** What the tool wants done when the JVM ends: done when the tool does. */
    static final List<Runnable> hooks = new CopyOnWriteArrayList<>();

    public static void main(String[] args) throws Exception {
        InputStream commands = System.in;
        PrintStream answers = System.out;
        Exit.setExitProcedure((status, message) -> leave(status));
        Exit.setHaltProcedure((status, message) -> leave(status));
        Exit.setShutdownHookAdder((name, hook) -> hooks.add(hook));
        BufferedReader lines = new BufferedReader(new InputStreamReader(commands, StandardCharsets.US_ASCII));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] parts = Arrays.stream(line.split(" ", -1)).map(Tools::decoded).toArray(String[]::new);
            answers.println(run(parts));
            answers.flush();
        }
        System.exit(0);
    }

    static String run(String[] parts) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
        System.setIn(new ByteArrayInputStream(parts[2].getBytes(StandardCharsets.UTF_8)));
        CompletableFuture<Integer> status = new CompletableFuture<>();
        ended = status;
        hooks.clear();
        String[] args = Arrays.copyOfRange(parts, 3, parts.length);
        Thread tool = new Thread(() -> status.complete(call(parts[0], args)), "tool");
        tool.setDaemon(true);
        tool.start();
        int answer = -1;
        try {
            answer = status.get(Long.parseLong(parts[1]), TimeUnit.SECONDS);
        } catch (TimeoutException stillRunning) {
            tool.interrupt();
        }
        return answer + " " + encoded(out) + " " + encoded(err);
    }

    static int call(String name, String[] args) {
        try {
            Method main = Class.forName(name).getMethod("main", String[].class);
            main.invoke(null, (Object) args);
            hooks.forEach(Runnable::run);
            return 0;
        } catch (InvocationTargetException thrown) {
            thrown.getCause().printStackTrace();
            return 1;
        } catch (ReflectiveOperationException absent) {
            absent.printStackTrace();
            return 127;
        }
    }

    static void leave(int status) {
        hooks.forEach(Runnable::run);
        ended.complete(status);
        try {
            new CountDownLatch(1).await();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    static String decoded(String text) {
        return new String(Base64.getDecoder().decode(text), StandardCharsets.UTF_8);
    }

    static String encoded(ByteArrayOutputStream bytes) {
        return Base64.getEncoder().encodeToString(bytes.toByteArray());
    }
}
