import java.util.Base64;
import java.util.Map;
import java.util.Scanner;

/** Around a block of Java: see run.py. */
class Program {
    public static void main(String[] arguments) {
        Scanner lines = new Scanner(System.in);
        while (lines.hasNextLine()) {
            String[] fields = lines.nextLine().split("\t");
            Map<String, String> headers =
                    Map.of("webhook-id", fields[1], "webhook-timestamp", fields[2], "webhook-signature", fields[3]);
            boolean isTrue = true;
            try {
                Webhooks.verify(fields[0], headers, Base64.getDecoder().decode(fields[4]));
            } catch (Exception refused) {
                isTrue = false;
            }
            System.out.println(isTrue);
        }
    }
}
